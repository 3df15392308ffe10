"""Profiles and requests -> the settings of one call.

Reads untrusted metadata, orders the layers, applies the policy for overrides.
Called `resolution` because `timing_profiles.resolve` is a public function.
May import `turns` and `catalog`.
"""
