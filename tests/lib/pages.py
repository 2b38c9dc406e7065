# SPDX-License-Identifier: GPL-2.0-only
"""What the lab's nginx serves, and how."""

def results_page():
    """About 20 kB of HTML: what a results page is."""
    rows = "".join(
        "<tr><td>Constituency %03d</td><td>%d</td><td>%d</td><td>%.1f %%</td></tr>\n" %
        (i, 12000 + i * 37, 9000 + i * 53, 40 + i % 30) for i in range(1, 281))
    return ("<!doctype html><html><head><title>Preliminary results</title></head><body>"
            "<h1>Preliminary results</h1><table>\n%s</table></body></html>\n" % rows)


NGINX_CONF = """
daemon off; master_process off; user root; pid @/pid; error_log @/error.log;
worker_rlimit_nofile 40000;
events { worker_connections 20000; multi_accept on; }
http {
    access_log off; sendfile on; tcp_nopush on; keepalive_timeout 5; reset_timedout_connection on;
    types { text/html html; }
    default_type application/octet-stream;
    client_body_temp_path @/tmp/body; proxy_temp_path @/tmp/proxy;
    fastcgi_temp_path @/tmp/fastcgi; uwsgi_temp_path @/tmp/uwsgi; scgi_temp_path @/tmp/scgi;
    server {
        listen 80 backlog=4096; listen [::]:80 ipv6only=on backlog=4096;
        root @;
        location = /stream.bin { limit_rate 64k; }
    }
}
"""
