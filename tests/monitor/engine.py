#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""engine.py SOCKET FILE: a Docker engine that knows one container, which FILE is the answer for.

It has no stream of events: who asks for it looks again each second.
"""
import http.server
import socketserver
import sys


class Engine(http.server.BaseHTTPRequestHandler):
    def address_string(self):
        return "unix"

    def do_GET(self):
        known = self.path.startswith("/containers/gw/json")
        body = open(sys.argv[2], "rb").read() if known else b"{}"
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


socketserver.ThreadingUnixStreamServer(sys.argv[1], Engine).serve_forever()
