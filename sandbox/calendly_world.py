"""The organization a fresh sandbox starts with. Its addresses never change, so documents and tests may name them."""

from dataclasses import replace

from sandbox.calendly_state import App, State, Token
from sandbox.calendly_values import API, SITE, Json

ORGANIZATION = f"{API}/organizations/5f0a3c1e-7a55-4f0e-9d3b-0c6b2e8f4a11"
CAMILLE = f"{API}/users/HGBHCAAFDE2QTSEZ"  # owner, an old-style id
HUGO = f"{API}/users/7b1e5d0c-2f64-4c8a-9e3d-a5c0f7b81d26"  # admin
INES = f"{API}/users/c4d8f2a6-0e93-4b57-8a1c-6f2e9d5b7038"  # plain member
TEAM = f"{API}/teams/91f3c6e8-5a2d-4e07-b8c4-2d7f0a9e1b53"
DISCOVERY = f"{API}/event_types/2a7d9c44-6e0b-4f6c-9f1e-5d0a8b3c7e21"
DEMO = f"{API}/event_types/8e4b1f7a-93c2-4d05-a6e8-0b5f2c9d7a14"
GROUP_DEMO = f"{API}/event_types/c81f0b7a-1d52-4f43-8e9a-94b6d2e0f358"
SUPPORT = f"{API}/event_types/EAFHCAAFDE2QTSWX"  # round robin, an old-style id
FORM = f"{API}/routing_forms/6c2e8a4f-0b9d-4d17-8f3a-5e7c1b2d9a06"

PERSONAL_TOKEN = "sandbox-calendly-token"
CLIENT_ID, CLIENT_SECRET = "sandbox-client", "sandbox-secret"
NATIVE_CLIENT_ID = "sandbox-native"
APP_SIGNING_KEY = "sandbox-app-signing-key-7Qm2xVb9"

FOUNDED = "2021-03-02T08:14:09.098765Z"
CHANGED = "2026-10-12T07:31:40.654321Z"


def default_state() -> State:
    """Return the organization "Atelier Durand": three people, four event types, two OAuth apps, one token."""
    state = State(organization=_organization())
    for user, role, membership in _people():
        state.users[user["uri"]] = user
        state.memberships[user["uri"]] = _membership(user, role, membership)
    for event_type, hosts, places in _event_types():
        state.event_types[event_type["uri"]] = event_type
        state.hosts[event_type["uri"]] = hosts
        state.places[event_type["uri"]] = places
    state.forms[FORM] = _form()
    state.tokens[PERSONAL_TOKEN] = Token(value=PERSONAL_TOKEN, user=CAMILLE, scopes=frozenset({"default"}))
    app = App(client_id=CLIENT_ID, secret=CLIENT_SECRET, signing_key=APP_SIGNING_KEY)
    native = replace(app, client_id=NATIVE_CLIENT_ID, secret="", name="Sandbox native app")
    state.apps = {app.client_id: app, native.client_id: native}
    return state


def question(name: str, kind: str, position: int, *, required: bool = False, choices: tuple[str, ...] = ()) -> Json:
    """Return one custom question of an event type."""
    return {
        "name": name,
        "type": kind,
        "position": position,
        "enabled": True,
        "required": required,
        "answer_choices": list(choices),
        "include_other": kind == "multi_select",
    }


def event_type(uri: str, name: str, *, profile: Json, slug: str, page: str, **changes: object) -> Json:
    """Return an event type with the usual values, changed as given."""
    return {
        "uri": uri,
        "name": name,
        "active": True,
        "slug": slug,
        "scheduling_url": f"{SITE}/{page}/{slug}",
        "duration": 30,
        "duration_options": None,
        "kind": "solo",
        "pooling_type": None,
        "type": "StandardEventType",
        "color": "#0088ff",
        "created_at": "2022-05-10T09:00:00.123456Z",
        "updated_at": CHANGED,
        "internal_note": None,
        "description_plain": None,
        "description_html": None,
        "profile": profile,
        "secret": False,
        "booking_method": "instant",
        "custom_questions": [],
        "deleted_at": None,
        "admin_managed": False,
        "locations": [{"kind": "zoom_conference"}],
        "position": 0,
        "locale": "fr",
        **changes,
    }


def user_profile(user: Json) -> Json:
    """Return the `profile` of an event type owned by one user."""
    return {"type": "User", "name": user["name"], "owner": user["uri"]}


def _organization() -> Json:
    return {
        "uri": ORGANIZATION,
        "kind": "multiple",
        "name": "Atelier Durand",
        "plan": "teams",
        "stage": "paid",
        "created_at": FOUNDED,
        "updated_at": CHANGED,
    }


def _user(uri: str, name: str, slug: str) -> Json:
    return {
        "uri": uri,
        "name": name,
        "slug": slug,
        "email": f"{slug.partition('-')[0]}@example.fr",
        "scheduling_url": f"{SITE}/{slug}",
        "timezone": "Europe/Paris",
        "time_notation": "24h",
        "avatar_url": None,
        "created_at": "2021-03-02T08:14:09.112233Z",
        "updated_at": CHANGED,
        "current_organization": ORGANIZATION,
        "resource_type": "User",
        "locale": "fr",
    }


def _people() -> list[tuple[Json, str, str]]:
    return [
        (_user(CAMILLE, "Camille Durand", "camille-durand"), "owner", "AHGBDCAADAEDCRZ2"),
        (_user(HUGO, "Hugo Martin", "hugo-martin"), "admin", "3d9f6b20-7c15-4ea8-b0f4-58e1c2a79d63"),
        (_user(INES, "Inès Leroy", "ines-leroy"), "user", "f05c7e91-4b3a-4d26-9c8f-1a6d0b2e5374"),
    ]


def _membership(user: Json, role: str, identifier: str) -> Json:
    embedded = {key: value for key, value in user.items() if key not in ("current_organization", "resource_type")}
    return {
        "uri": f"{API}/organization_memberships/{identifier}",
        "role": role,
        "user": embedded,
        "organization": ORGANIZATION,
        "created_at": "2021-03-02T08:14:09.145678Z",
        "updated_at": "2021-03-02T08:14:09.145678Z",
    }


def _event_types() -> list[tuple[Json, list[str], int]]:
    camille = {"type": "User", "name": "Camille Durand", "owner": CAMILLE}
    hugo = {"type": "User", "name": "Hugo Martin", "owner": HUGO}
    team = {"type": "Team", "name": "Support", "owner": TEAM}
    company = question("Company", "string", 0)
    discovery = event_type(
        DISCOVERY, "Discovery call", profile=camille, slug="discovery-call", page="camille-durand",
        description_plain="A first conversation.", description_html="<p>A first conversation.</p>",
        locations=[{"kind": "zoom_conference"},
                   {"kind": "physical", "location": "12 rue des Lilas, Lyon", "additional_info": "2nd floor"}],
        custom_questions=[
            question("Company", "string", 0, required=True),
            question("Role", "string", 1),
            question("Mobile number", "phone_number", 2),
            question("Which topics?", "multi_select", 3, choices=("Pricing", "Integration", "Security")),
        ],
    )  # fmt: skip
    demo = event_type(
        DEMO, "Demo", profile=hugo, slug="demo", page="hugo-martin", duration=45, color="#17e885", position=1,
        locations=[{"kind": "google_conference"}, {"kind": "outbound_call"}], custom_questions=[company],
    )  # fmt: skip
    group = event_type(
        GROUP_DEMO, "Group demo", profile=camille, slug="group-demo", page="camille-durand", duration=60,
        kind="group", color="#f8e436", position=2, custom_questions=[company],
    )  # fmt: skip
    support = event_type(
        SUPPORT, "Support", profile=team, slug="support", page="atelier-durand-support", pooling_type="round_robin",
        color="#ff4f00", position=3, locale="en", locations=[{"kind": "google_conference"}],
        created_at=FOUNDED,
    )  # fmt: skip
    return [(discovery, [CAMILLE], 1), (demo, [HUGO], 1), (group, [CAMILLE], 10), (support, [HUGO, INES], 1)]


def _form() -> Json:
    industry = ["IT & Software", "Retail", "Other"]
    return {
        "uri": FORM,
        "organization": ORGANIZATION,
        "name": "Who should you talk to?",
        "status": "published",
        "questions": [
            _form_question("123e4567-e89b-12d3-a456-426614174000", "Industry?", "select", industry),
            _form_question("095be615-a8ad-4c33-8e9c-c7612fbf6c9f", "Email", "email", None),
        ],
        "created_at": "2025-01-15T10:00:00.512Z",
        "updated_at": "2025-01-15T10:00:00.512Z",
    }


def _form_question(identifier: str, name: str, kind: str, choices: list[str] | None) -> Json:
    return {"uuid": identifier, "name": name, "type": kind, "required": True, "answer_choices": choices}
