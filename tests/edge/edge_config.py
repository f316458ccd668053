"""nginx.conf of an edge under test, and the pieces of it that tests put together in another way."""

import os

LOG_FORMAT = """
    map $agent_total_tokens $log_total { "" null; default $agent_total_tokens; }
    log_format test escape=json '{"request_id":"$agent_request_id","method":"$request_method","path":"$agent_path",'
        '"status":$status,"key_id":"$agent_key_id","scopes":"$agent_scopes","model":"$agent_model",'
        '"stream":"$agent_stream","body":"$agent_body_status","prompt":"$agent_prompt_tokens",'
        '"completion":"$agent_completion_tokens","total":$log_total,"run_id":"$agent_run_id",'
        '"user":"$agent_user","limit":"$agent_limit_status","limited_by":"$agent_limited_by",'
        '"charged":"$agent_charged_tokens","error":"$agent_error_code"}';
"""

# In server {}: the process that answered.
SHOW_WORKER = "add_header X-Worker $pid always;"

ERROR_PAGES = """
        error_page 400 401 403 404 405 408 411 413 414 415 416 417 421 424 429 431 495 496 497
                   500 501 502 503 504 505 /agent_error;
        error_page 494 =431 /agent_error;
        location = /agent_error { internal; agent_error; }
"""

STATUS = "location = /status { access_log off; agent_status json; }"

LOCATIONS = """
        location = /v1/chat/completions {
            agent_scope chat;
            client_max_body_size 16m;
            client_body_buffer_size 512k;
            proxy_pass http://executors;
        }
        location /v1/ { agent_scope chat mcp runs admin; proxy_pass http://executors; }
        location = /tools { agent_scope admin; proxy_pass http://executors; }
        %s
        location = /metrics { access_log off; agent_status; }
        location = /ready { proxy_pass http://executors; }
        location = /health { return 200 '{"status":"ok"}'; }
        location / { return 404; }
""" % STATUS


def nginx_conf(edge, listen):
    """All of nginx.conf, from where `edge` keeps its files and the values it was made with."""
    v = edge.values
    return f"""
load_module {edge.module};
daemon off;
{"user root;" if os.geteuid() == 0 else ""}
worker_processes {v["workers"]};
thread_pool agent threads=1;
pid {edge.directory}/nginx.pid;
error_log {edge.error_log} notice;
{v["main"]}
events {{ worker_connections {v["connections"]}; }}
http {{
    agent_zone {v["zone"]};
    agent_keys {edge.keys_file};
    agent_edge_secret {edge.secret_file};
{LOG_FORMAT}
    access_log {edge.access_log} test;
    client_body_temp_path {edge.directory}/client_body;
    proxy_temp_path {edge.directory}/proxy;
    fastcgi_temp_path {edge.directory}/fastcgi;
    uwsgi_temp_path {edge.directory}/uwsgi;
    scgi_temp_path {edge.directory}/scgi;
    default_type application/json;
    lingering_time 2s;
    lingering_timeout 1s;
    merge_slashes off;
    upstream executors {{ server {v["executor"]} max_fails=0; keepalive 16; }}
{v["http"]}
    server {{
        listen {listen} {v["listen_options"]};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_buffering off;
        proxy_connect_timeout 2s;
        proxy_next_upstream_tries 0;
{ERROR_PAGES}
{v["server"]}
{v["locations"]}
    }}
}}
"""
