"""The pages: what each shows is asked in `ask`, and drawn by a template of the same name."""
