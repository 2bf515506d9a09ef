# A free port of this node; Open OnDemand passes it on to the page.
port=$(find_port "$host")
export port
