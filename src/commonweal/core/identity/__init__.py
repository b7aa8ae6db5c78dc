"""People and their rights: who somebody is, what they may do, and how they prove it.

Local accounts with argon2id passwords, or an identity provider (OpenID Connect); sessions for browsers, tokens for
programs; roles held per domain and area. Nothing is allowed that no grant names, and no secret is stored.
"""

from commonweal.core.identity.roles import Grant, Permission, Role
from commonweal.core.identity.visitor import Visitor

__all__ = ["Grant", "Permission", "Role", "Visitor"]
