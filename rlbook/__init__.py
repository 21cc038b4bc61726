"""rlbook: from a two-state decision problem to reinforcement learning for language models.

The package is laid out in the order of the book. On the ground floor stand `mdp` (the object everything is built on),
`worlds`, `statistics`, `plotting` and `source`; the rooms above it are `tabular`, `deep` and `language`. Importing
`rlbook` itself loads nothing: import from the module that holds what you need, for example

    from rlbook.mdp import FiniteMDP
    from rlbook.tabular.planning import value_iteration
"""

__version__ = "0.1.0"
