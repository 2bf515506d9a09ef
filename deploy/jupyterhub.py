"""Vitrine in JupyterHub, for each person by itself: lines for `jupyter_server_config.py`, with the package jupyter-server-proxy.

It is then reached at `…/user/NAME/vitrine/`, through the hub by that person alone, and listens on the machine itself only. Where
several people have accounts on that machine, each of them can open its port past the hub, and would be its operator. There start
each person's server in a container of its own (DockerSpawner, KubeSpawner), or keep others from the port by the firewall
(nftables' `meta skuid`); and write `visitors = "member"` in the table [access], so that nobody past the hub operates it.
"""

VITRINE = "/opt/vitrine"

c = get_config()  # noqa: F821 (Jupyter gives it)
c.ServerProxy.servers = {
    "vitrine": {
        "command": [
            f"{VITRINE}/.venv/bin/python",
            *("-m", "streamlit", "run", f"{VITRINE}/app.py"),
            *("--server.address=127.0.0.1", "--server.port={port}", "--server.baseUrlPath={base_url}vitrine"),
        ],
        "absolute_url": True,
        "timeout": 60,
        "launcher_entry": {"title": "Vitrine"},
    }
}
