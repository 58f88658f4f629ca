"""The start-up hook of way P4: points the client's five constants at `PLAIN_HTTP_URL`, outside the program."""

import os

from fal_client import client

url = os.environ["PLAIN_HTTP_URL"]
client.RUN_URL_FORMAT = f"{url}/"
client.QUEUE_URL_FORMAT = f"{url}/queue/"
client.REALTIME_URL_FORMAT = f"{url.replace('http', 'ws', 1)}/"
client.REST_URL = url
client.CDN_URL = url
