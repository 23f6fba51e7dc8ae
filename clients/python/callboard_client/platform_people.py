"""
What a platform's backend tells of its people and of its market, and asks about them.

Each PUT creates or updates, and is safe to repeat. A batch takes up to 1,000 items
and is done wholly or not at all.
"""

from collections.abc import Iterable
from typing import Unpack

from callboard_client.calls import Asked, Call, Listed, Listing, get, part, post, send
from callboard_client.contract import (
    Application,
    ApplicationFields,
    ApplicationItem,
    Connection,
    ConnectionFields,
    ConnectionItem,
    Gig,
    GigFields,
    GigItem,
    GigMemberFields,
    Group,
    GroupFields,
    GroupMemberFields,
    GroupMemberItem,
    Member,
    Organization,
    OrganizationFields,
    OrganizationItem,
    OrganizationMemberFields,
    Page,
    Participant,
    Revoked,
    Token,
    User,
    UserFields,
    UserItem,
)

__all__ = ["PeopleCalls"]

PLATFORM = "/v1/platform"


class PeopleCalls:
    """
    Users, organizations, gigs, applications, groups and connections.
    """

    @Asked
    def put_user(self, user_id: str, **fields: Unpack[UserFields]) -> Call[User]:
        """
        Create or update a user.
        """
        return send("PUT", f"{PLATFORM}/users/{part(user_id)}", fields)

    @Asked
    def put_users(
        self, items: Iterable[UserItem], *, idempotency_key: str | None = None
    ) -> Call[Page[User]]:
        """
        Create or update users at once.
        """
        return post(f"{PLATFORM}/users/batch", {"items": list(items)}, idempotency_key)

    @Asked
    def suspend(
        self, user_id: str, *, idempotency_key: str | None = None
    ) -> Call[User]:
        """
        Suspend a user and close every session of theirs.
        """
        return post(f"{PLATFORM}/users/{part(user_id)}/suspend", None, idempotency_key)

    @Asked
    def revoke(
        self, user_id: str, *, idempotency_key: str | None = None
    ) -> Call[Revoked]:
        """
        Close every session of a user and refuse every token issued before now.
        """
        return post(f"{PLATFORM}/users/{part(user_id)}/revoke", None, idempotency_key)

    @Asked
    def mint_token(
        self,
        user_id: str,
        *,
        expires_in: int = 3600,
        idempotency_key: str | None = None,
    ) -> Call[Token]:
        """
        Make a token for a user, good for so many seconds.

        The server must have a shared secret to sign it with.
        """
        body = {"user_id": user_id, "expires_in": expires_in}
        return post(f"{PLATFORM}/tokens", body, idempotency_key)

    @Asked
    def put_organization(
        self, organization_id: str, **fields: Unpack[OrganizationFields]
    ) -> Call[Organization]:
        """
        Create or update an organization.
        """
        return send("PUT", f"{PLATFORM}/organizations/{part(organization_id)}", fields)

    @Asked
    def organization(self, organization_id: str) -> Call[Organization]:
        """
        Give an organization.
        """
        return get(f"{PLATFORM}/organizations/{part(organization_id)}")

    @Asked
    def put_organizations(
        self, items: Iterable[OrganizationItem], *, idempotency_key: str | None = None
    ) -> Call[Page[Organization]]:
        """
        Create or update organizations at once.
        """
        path = f"{PLATFORM}/organizations/batch"
        return post(path, {"items": list(items)}, idempotency_key)

    @Listed
    def organization_members(self, organization_id: str) -> Listing[Member]:
        """
        Walk the members of an organization.
        """
        return Listing(f"{PLATFORM}/organizations/{part(organization_id)}/members")

    @Asked
    def put_organization_member(
        self,
        organization_id: str,
        user_id: str,
        **fields: Unpack[OrganizationMemberFields],
    ) -> Call[Member]:
        """
        Take somebody into an organization, or change what they do there.
        """
        path = (
            f"{PLATFORM}/organizations/{part(organization_id)}/members/{part(user_id)}"
        )
        return send("PUT", path, fields)

    @Asked
    def remove_organization_member(
        self, organization_id: str, user_id: str
    ) -> Call[None]:
        """
        Take somebody out of an organization.
        """
        path = (
            f"{PLATFORM}/organizations/{part(organization_id)}/members/{part(user_id)}"
        )
        return send("DELETE", path)

    @Asked
    def put_gig(self, gig_id: str, **fields: Unpack[GigFields]) -> Call[Gig]:
        """
        Create or update a gig, a job or a project.
        """
        return send("PUT", f"{PLATFORM}/gigs/{part(gig_id)}", fields)

    @Asked
    def gig(self, gig_id: str) -> Call[Gig]:
        """
        Give a gig.
        """
        return get(f"{PLATFORM}/gigs/{part(gig_id)}")

    @Asked
    def put_gigs(
        self, items: Iterable[GigItem], *, idempotency_key: str | None = None
    ) -> Call[Page[Gig]]:
        """
        Create or update gigs at once.
        """
        return post(f"{PLATFORM}/gigs/batch", {"items": list(items)}, idempotency_key)

    @Listed
    def gig_members(self, gig_id: str) -> Listing[Member]:
        """
        Walk the team of a gig.
        """
        return Listing(f"{PLATFORM}/gigs/{part(gig_id)}/members")

    @Asked
    def put_gig_member(
        self, gig_id: str, user_id: str, **fields: Unpack[GigMemberFields]
    ) -> Call[Member]:
        """
        Take somebody into the team of a gig.
        """
        return send(
            "PUT", f"{PLATFORM}/gigs/{part(gig_id)}/members/{part(user_id)}", fields
        )

    @Asked
    def remove_gig_member(self, gig_id: str, user_id: str) -> Call[None]:
        """
        Take somebody out of the team of a gig.
        """
        return send("DELETE", f"{PLATFORM}/gigs/{part(gig_id)}/members/{part(user_id)}")

    @Asked
    def put_application(
        self, gig_id: str, application_id: str, **fields: Unpack[ApplicationFields]
    ) -> Call[Application]:
        """
        Create or update an application to a gig.
        """
        path = f"{PLATFORM}/gigs/{part(gig_id)}/applications/{part(application_id)}"
        return send("PUT", path, fields)

    @Asked
    def application(self, gig_id: str, application_id: str) -> Call[Application]:
        """
        Give an application.
        """
        return get(
            f"{PLATFORM}/gigs/{part(gig_id)}/applications/{part(application_id)}"
        )

    @Asked
    def put_applications(
        self, items: Iterable[ApplicationItem], *, idempotency_key: str | None = None
    ) -> Call[Page[Application]]:
        """
        Create or update applications at once.
        """
        path = f"{PLATFORM}/applications/batch"
        return post(path, {"items": list(items)}, idempotency_key)

    @Asked
    def put_group(self, group_id: str, **fields: Unpack[GroupFields]) -> Call[Group]:
        """
        Create or update a group that the platform manages.
        """
        return send("PUT", f"{PLATFORM}/groups/{part(group_id)}", fields)

    @Asked
    def group(self, group_id: str) -> Call[Group]:
        """
        Give a group.
        """
        return get(f"{PLATFORM}/groups/{part(group_id)}")

    @Listed
    def group_members(self, group_id: str) -> Listing[Participant]:
        """
        Walk the members of a group.
        """
        return Listing(f"{PLATFORM}/groups/{part(group_id)}/members")

    @Asked
    def put_group_member(
        self, group_id: str, user_id: str, **fields: Unpack[GroupMemberFields]
    ) -> Call[Participant]:
        """
        Take somebody into a group.
        """
        return send(
            "PUT", f"{PLATFORM}/groups/{part(group_id)}/members/{part(user_id)}", fields
        )

    @Asked
    def remove_group_member(self, group_id: str, user_id: str) -> Call[None]:
        """
        Take somebody out of a group.
        """
        return send(
            "DELETE", f"{PLATFORM}/groups/{part(group_id)}/members/{part(user_id)}"
        )

    @Asked
    def put_group_members(
        self,
        group_id: str,
        items: Iterable[GroupMemberItem],
        *,
        idempotency_key: str | None = None,
    ) -> Call[Page[Participant]]:
        """
        Take people into a group at once.
        """
        path = f"{PLATFORM}/groups/{part(group_id)}/members/batch"
        return post(path, {"items": list(items)}, idempotency_key)

    @Asked
    def put_connection(
        self, connection_id: str, **fields: Unpack[ConnectionFields]
    ) -> Call[Connection]:
        """
        Create or update a connection in whatever state the platform knows it.
        """
        return send("PUT", f"{PLATFORM}/connections/{part(connection_id)}", fields)

    @Asked
    def put_connections(
        self, items: Iterable[ConnectionItem], *, idempotency_key: str | None = None
    ) -> Call[Page[Connection]]:
        """
        Create or update connections at once.
        """
        path = f"{PLATFORM}/connections/batch"
        return post(path, {"items": list(items)}, idempotency_key)
