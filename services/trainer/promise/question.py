"""Since when reviewers are asked what they are asked now.

Answers to another question are no evidence about this one, so traffic from before counts for no
certification.
"""

from services.trainer.projects.repository import lock_state, read_state
from services.trainer.resources import Resources
from shared.contracts.projects import Project, question_digest


async def note_question(resources: Resources, project: Project) -> None:
    """Note the project's question, and from when on it counts if it is another one than before."""
    digest = question_digest(project)
    async with resources.database.reading() as session:
        state = await read_state(session, project.project)
        if state is not None and state.question == digest:
            return
    async with resources.database.transaction() as session:
        state = await lock_state(session, project.project)
        # What was asked before the first note is unknown, unless the project was never edited.
        if state.question is not None or project.revision > 1:
            state.asked_since = resources.now()
        state.question = digest
