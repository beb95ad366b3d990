"""E72x, E73x: what can be wrong with what is said once: parts, expressions and ignores by name."""

from __future__ import annotations

from mapgen.report.message import Message, misnamed, of_two

unknown_part = misnamed(
    "E720: no part is called `{it}`",
    help="{known:the part is {known:, }/the parts are {known:, }/no part is known here}; `uses:` "
    "names the files that they are in",
    unknown="part",
)
unknown_set = misnamed(
    "E720: no set of ignored fields is called `{it}`",
    help="{known:the set is {known:, }/the sets are {known:, }/no set is known here}; `uses:` "
    "names the files that they are in",
    unknown="set",
)
unknown_parameter = misnamed(
    "E721: the part `{part}` has no parameter `{it}`",
    related="place: the part",
    help="its {takes:parameter is {takes:, }/parameters are {takes:, }}",
)
missing_argument = Message(
    "E722: the part `{it}` needs `{name}`",
    related="place: its parameter",
    help="add `{name}: EXPRESSION`",
)
unfit_argument = Message(
    "E723: `{part}` cannot use this as `{name}`: {why}",
    related="place: here",
    help="pass what has it; or let the part say what then, and declare it so in `takes:`",
)
may_be_missing = Message(
    "E723: `{part}` needs `{name}`, and this is {found}",
    related="place: the parameter",
    help="say what then, by `.orValue(…)` or another expression; or declare `{name}: {kind}?`, and "
    "the part says it",
)
unknown_entity = misnamed(
    "E724: the contract `{contract}` has no entity `{it}`", help="`mapgen contract show` lists them"
)
wrong_entity = Message(
    "E724: the part `{it}` gives `{gives}`, here is {wanted:a}",
    related="place: what it gives",
    help="use a part that gives `{wanted}`",
)
silent_override = Message(
    "E725: the part `{part}` has a rule for `{it}`",
    related="place: there",
    help="to have another value here, add `replace: true` to the rule; else remove the rule",
)
nothing_to_change = Message(
    "E726: there is no rule for `{it}` to {word}",
    related="place: the part",
    help="remove `{word}: true`",
)
part_in_circle = Message(
    "E727: the part `{it}` uses itself",
    related="first: the part",
    help="let the one part have its rules without the other",
)
expression_in_circle = Message(
    "E727: the expression `{it}` uses itself", help="write out what one of them means"
)
unused_part = Message("E728: no flow uses the part `{it}`", help="remove it, or use it")
unused_set = Message(
    "E728: no flow uses the ignored fields `{it}`", help="remove them, or use them"
)
unused_expression = Message(
    "E728: nothing calls the expression `{it}`", help="remove it, or call it"
)
unused_parameter = Message(
    "E728: no rule reads the parameter `{it}`", help="remove it, and the arguments for it"
)
unused_file = Message("E728: nothing of `{it}` is used", help="remove it from `uses:`")
idle_set = Message(
    "E728: the ignored fields `{it}` take no field of this source",
    related="place: the set",
    help="remove it from `use:`",
)
name_twice = of_two("E729: two {what}s are called `{it}`", help="rename one of them")
name_of_the_language = Message(
    "E729: the parameter `{it}` cannot be told from the key `{it}` of a rule",
    help="choose another name",
)
name_of_a_function = Message(
    "E729: `{it}` is a function of the language", help="choose another name for the expression"
)
example_differs = Message(
    "E730: the example gives {found}",
    label="said: {said}",
    help="correct the example, or the rules of the part",
)
example_unfit = Message(
    "E730: the example cannot be used: {why}",
    help="`given:` has the arguments of the part as JSON would have them",
)
