"""Somebody else's site that embeds a booking page: one page, served on loopback at a port of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!doctype html><html lang="en"><title>A customer's site</title><h1>Our demo</h1>
<script src="{base}/book/embed.js" data-page="talk" data-title="Book a demo" async></script>
<script>
window.heard = [];
addEventListener("calendly-connector:booked", (said) => window.heard.push(said.detail));
</script></html>"""


@contextmanager
def host_site(base: str) -> Iterator[str]:
    """Serve the page that embeds a booking page of the app at `base`; yield the site's origin."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = PAGE.format(base=base).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words: object) -> None:
            """Keep the test's output to itself."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
