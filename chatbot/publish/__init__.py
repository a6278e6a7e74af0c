"""From an approved patch to a pull request."""
