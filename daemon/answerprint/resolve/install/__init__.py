"""Scripts in Resolve's menus: what they are, putting them there, taking them away, and what may be wrong with them."""
