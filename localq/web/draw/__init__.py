"""Charts and graphs as SVG: values in, text out."""
