"""All routes of the console."""

from services.console.charts import routes as charts
from services.console.pages.activity import routes as activity
from services.console.pages.configuration import routes as configuration
from services.console.pages.data import routes as data
from services.console.pages.desk import routes as desk
from services.console.pages.drift import routes as drift
from services.console.pages.first_project import routes as first_project
from services.console.pages.items import routes as items
from services.console.pages.people import routes as people
from services.console.pages.projects import routes as projects
from services.console.pages.promise import routes as promise
from services.console.pages.queue import routes as queue
from services.console.pages.sign_in import routes as sign_in
from services.console.pages.versions import comparison, encoder_routes
from services.console.pages.versions import routes as versions

# `/projects/new` before the pages of a project of any name.
_PAGES = (
    *(sign_in, desk, projects, first_project, promise, queue),
    *(people, versions, comparison, encoder_routes, drift, data, items, configuration, activity),
)
ROUTERS = (*(page.router for page in _PAGES), charts.router)
