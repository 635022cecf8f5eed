"""The screen of the sandbox: pages, widgets and charts over the answers of `simulation`."""
