"""moto's S3 server on a free loopback port, with one bucket. Runs until it is killed."""

import io
import threading

import boto3
from moto.server import ThreadedMotoServer


def one_at_a_time(app):
    """A bucket creates a key once, but moto looks for it first and writes it later: so requests take turns."""
    turn = threading.Lock()

    def serve(environ, start_response):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
        with turn:
            return app(environ, start_response)

    return serve


server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
server.start()
server._server.app = one_at_a_time(server._server.app)
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
