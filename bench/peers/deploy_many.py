"""Deploys one app under many names, in one process: what is measured is the server. Usage: deploy_many.py FILE COUNT"""

import sys

from fal.api import deploy
from fal.api.client import SyncServerlessClient

file, count = sys.argv[1], int(sys.argv[2])
client = SyncServerlessClient()
for number in range(count):
    prepared = deploy.prepare_deployment(
        client, (file, "Hello"), app_name=f"idle-{number}", strategy="rolling", reset_scale=False
    )
    deploy.execute_prepared_deployment(prepared)
print(count)
