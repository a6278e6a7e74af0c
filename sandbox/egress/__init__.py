"""The way out of a phase: an HTTP proxy on a Unix socket, by rules, on the record.

A container has no network. Where its phase may reach the outside, `egress.sock` lies beside the
gateway's socket, and a forwarder in the container lends it to programs as an ordinary HTTP proxy.
"""
