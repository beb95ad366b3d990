"""Every message the product can say, by area: one function a code; a code is never reused.

E1xx reading, E2xx expressions and types, E3xx names, E4xx contracts and completeness, E5xx project.
"""
