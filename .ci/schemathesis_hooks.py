"""Hooks of Schemathesis: credentials for the demo server, and failures that are none."""

import itertools
import os
import re

import requests
import schemathesis
from schemathesis.core.failures import AcceptedNegativeData, ServerError
from schemathesis.openapi.checks import RejectedPositiveData, UnsupportedMethodResponse

GATEWAY = os.environ["KOMGATE_URL"]
# The keys that `.ci/schemathesis` gives the gateway.
KEYS = {"adminKey": os.environ["KOMGATE_ADMIN_KEY"], "appKey": os.environ["APP_KEY"]}
SESSION_HEADER = "Httpkom-Connection"
DEMO_READER = {"pers_no": 6, "passwd": "demo"}
TIMEOUT_S = 10

# Messages with which the gateway rejects requests that the document allows, and why the document allows them.
REFUSALS = {
    r"WebSocket upgrades only": "OpenAPI does not describe the headers of an upgrade",
    r"accept-async is not available": "the call exists, but the gateway rejects it in any case",
    r"\"requests": "schemas cannot express unique ids, references to them, cycles, and paths without empty segments",
    r"(recipient not found|ambiguous recipient): ": "the name of a person to log in",
    r"\"no-of-texts\" must be a whole number from 1": "the limit depends on another parameter",
    r"holds a number that is too large": "JSON Schema has no limit of precision",
    r"the data of a session is \d+ bytes at most": "many requests fill one session",
    r"Missing (user|session_id|data)\.": "sessman takes them from the query or the body, and has aliases for two of them",
    r"is not a valid endpoint": "sessman rejects every other call",
}

# Operations whose query overrides the body, so that an invalid body may be ignored.
OVERRIDDEN = {"sessmanCreate", "sessmanUpdate", "sessmanGet"}

http = requests.Session()
names = itertools.count(1)


# The next request after one of these statuses has a new session: an earlier one has ended it or logged out.
@schemathesis.auth(retry_on=[401, 403])
class Credentials:
    def get(self, case, context):
        """Opens a session on the demo server and logs in. Returns the connection id."""
        client = {"name": "schemathesis", "version": "1"}
        opened = post("sessions", {"client": client})
        opened.raise_for_status()
        connection_id = opened.json()["connection_id"]
        if not log_in(connection_id, DEMO_READER):
            # An earlier request has deleted the person or changed the password.
            person = {"name": f"Schemathesis {os.getpid()} {next(names)}", "passwd": "demo"}
            created = post("persons", person, connection_id)
            created.raise_for_status()
            log_in(connection_id, {"pers_no": created.json()["pers_no"], "passwd": "demo"})
        return connection_id

    def set(self, case, data, context):
        """Adds what the operation needs."""
        alternatives = case.operation.definition.raw.get("security", [])
        schemes = {scheme for alternative in alternatives for scheme in alternative}
        case.headers = case.headers or {}
        if "connectionId" in schemes:
            case.headers[SESSION_HEADER] = data
        for scheme, key in KEYS.items():
            if scheme in schemes:
                case.headers["Authorization"] = f"Bearer {key}"


def post(path, body, connection_id=None):
    """Sends a request to the demo server."""
    headers = {} if connection_id is None else {SESSION_HEADER: connection_id}
    return http.post(f"{GATEWAY}/demo/{path}", json=body, headers=headers, timeout=TIMEOUT_S)


def log_in(connection_id, person):
    """Logs in. Returns whether that succeeded."""
    return post("sessions/current/login", person, connection_id).status_code == 201


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Drops failures that are none."""
    if isinstance(failure, RejectedPositiveData):
        return not is_refusal(response)
    if isinstance(failure, ServerError):
        # Many requests on one session reach its limits.
        return response.status_code != 503 or "limit" not in response.json()
    if isinstance(failure, AcceptedNegativeData):
        return case.operation.definition.raw["operationId"] not in OVERRIDDEN
    if isinstance(failure, UnsupportedMethodResponse):
        # The path is also that of a LysKOM server with the id `admin`, which does not exist: 404.
        return case.operation.path != "/admin/sessions" or response.status_code != 404
    return True


def is_refusal(response):
    """Returns whether valid data is refused: by the LysKOM server, or by the gateway for a known reason."""
    if response.status_code not in (400, 413):
        return False
    try:
        error = response.json()
    except ValueError:
        return False
    message = error.get("error_msg") or error.get("error")
    return error.get("error_type") == "protocol-a" or any(re.search(each, message) for each in REFUSALS)
