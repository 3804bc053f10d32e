"""``surehand encoder``: the project's own encoder, on whose vectors recipe `head` learns."""

from pathlib import Path
from typing import Annotated

import typer

from surehand.cli import session
from surehand.cli.documents import from_yaml
from surehand.cli.output import document_of
from surehand.cli.text import moment


def encoder(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="ONNX file to upload.")
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Its inputs and outputs, in JSON or YAML."),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the encoder.")] = False,
    project: session.Project = None,
    as_json: session.AsJson = False,
) -> None:
    """Show the project's own encoder; with FILE and --manifest, upload one."""
    if (file is None) != (manifest is None):
        raise typer.BadParameter("an upload needs both FILE and --manifest")
    used, out = session.of(ctx), session.output(as_json)
    name = used.project(project)
    if remove:
        used.client.versions.remove_encoder(name)
        out.say("The encoder is removed.")
        return
    if file is None or manifest is None:
        found = document_of(used.client.versions.encoder(name))
    else:
        told = from_yaml(manifest.read_text(encoding="utf-8"), str(manifest))
        with file.open("rb") as model:
            found = document_of(used.client.versions.put_encoder(name, model, told))
    if as_json:
        out.document(found)
        return
    name = found["file_name"] or "An encoder"
    out.say(
        f"{name}: vectors of {found['width']} numbers, {found['size_bytes'] / 1e6:.1f} MB, "
        f"uploaded by {found['uploaded_by']} {moment(found['uploaded_at'])}.",
        f"SHA-256 {found['sha256']}",
    )
