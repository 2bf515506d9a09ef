"""Vitrine in JupyterHub, for each person by itself: lines for `jupyter_server_config.py`, with the package jupyter-server-proxy.

It is then reached at `…/user/NAME/vitrine/`, by that person alone, and listens on the machine itself only.
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
