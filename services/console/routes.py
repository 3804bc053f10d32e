"""All routes of the console."""

from services.console.charts import routes as charts
from services.console.pages.activity import routes as activity
from services.console.pages.items import routes as items
from services.console.pages.people import routes as people
from services.console.pages.projects import routes as projects
from services.console.pages.promise import routes as promise
from services.console.pages.queue import routes as queue
from services.console.pages.sign_in import routes as sign_in
from services.console.pages.versions import routes as versions

_PAGES = (sign_in, projects, promise, queue, items, versions, people, activity)
ROUTERS = (*(page.router for page in _PAGES), charts.router)
