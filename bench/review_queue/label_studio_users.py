"""Make annotators in Label Studio's database, and print their tokens as JSON.

Run by Label Studio's own interpreter: ``python label_studio_users.py COUNT``. Its API makes
users, but gives no user the token of another.
"""

import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Make them in the only organization."""
    import label_studio  # noqa: PLC0415 - its folder must be on the path before Django's set-up

    sys.path.insert(0, str(Path(label_studio.__file__).parent))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings.label_studio")
    import django  # noqa: PLC0415 - as above

    django.setup()
    from organizations.models import Organization  # noqa: PLC0415 - after Django's set-up
    from rest_framework.authtoken.models import Token  # noqa: PLC0415 - likewise
    from users.models import User  # noqa: PLC0415 - likewise

    organization = Organization.objects.first()
    tokens = []
    for number in range(int(sys.argv[1])):
        email = f"reviewer-{number}@example.com"
        user = User.objects.create_user(email=email, username=email, password="reviewer")
        organization.add_user(user)
        user.active_organization = organization
        user.save()
        tokens.append(Token.objects.get_or_create(user=user)[0].key)
    sys.stdout.write("\n" + json.dumps(tokens) + "\n")


if __name__ == "__main__":
    main()
