"""The same echo as a Celery task, with Redis as broker and result store.

Acknowledged late, so that a task that a dying worker had is not lost: the guarantee that is being compared.
"""

import os

from celery import Celery

app = Celery("noop", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
app.conf.update(task_acks_late=True, result_expires=3600, broker_connection_retry_on_startup=True)


@app.task
def echo(values: dict) -> dict:
    return values
