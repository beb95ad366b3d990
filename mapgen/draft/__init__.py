"""Drafts of specs: what a source and an entity have in common, as proposals for a person."""
