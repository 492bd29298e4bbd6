"""moto's S3 server on a free loopback port, with one bucket. Runs until it is killed."""

import boto3
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
server.start()
host, port = server.get_host_and_port()
client = boto3.client(
    "s3",
    endpoint_url=f"http://{host}:{port}",
    region_name="us-east-1",
    aws_access_key_id="interop",
    aws_secret_access_key="interop",
)
client.create_bucket(Bucket="interop")
print(f"port {port}", flush=True)
server._thread.join()
