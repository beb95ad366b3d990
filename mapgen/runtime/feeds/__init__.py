"""Where records come from, page by page: files, inboxes, other systems that are asked."""
