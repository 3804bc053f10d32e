"""All routes of the console."""

from services.console.charts import routes as charts
from services.console.pages.projects import routes as projects
from services.console.pages.promise import routes as promise
from services.console.pages.sign_in import routes as sign_in

ROUTERS = (sign_in.router, projects.router, promise.router, charts.router)
