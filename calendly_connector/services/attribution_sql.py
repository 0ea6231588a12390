"""The statements of the attribution report, for SQLite and PostgreSQL. Values are parameters; names are our own.

What was never moved is counted from an index alone (`booking_by_source`, `booking_by_type`), and only chains of moves
are read row by row: the conditions below are those of the indexes, word for word, or SQLite doesn't see that they fit.
"""

UNMOVED = "(b.old_invitee = '' AND NOT (b.status = 'rescheduled'))"
MOVED = "(NOT (b.old_invitee = '') OR b.status = 'rescheduled')"

IS_FIRST = """(b.old_invitee = '' OR NOT EXISTS (
    SELECT 1 FROM {bookings} o WHERE o.connection_id = b.connection_id AND o.uri = b.old_invitee))"""
"""Whether a booking begins a chain: it was moved from nothing, or from something that we never saw."""

COUNTED = """
WITH RECURSIVE moved (
  connection_id, person_id, successor, status, end_at, moves, utm_source, utm_medium, utm_campaign, event_type, host,
  first_source, first_medium, first_campaign, steps, is_last
) AS (
  SELECT b.connection_id, b.person_id, CAST(b.successor AS text), CAST(b.status AS text), b.end_at, b.moves,
    CAST(b.utm_source AS text), CAST(b.utm_medium AS text), CAST(b.utm_campaign AS text), CAST(b.event_type AS text),
    CAST(b.host AS text), CAST(b.utm_source AS text), CAST(b.utm_medium AS text), CAST(b.utm_campaign AS text), 0,
    CASE WHEN b.successor = '' THEN 1 ELSE 0 END
  FROM {bookings} b
  WHERE b.connection_id IN ({connections}) AND b.booked_at >= %s AND b.booked_at < %s AND {moved} AND {is_first}
  UNION ALL
  SELECT c.connection_id, COALESCE(b.person_id, c.person_id), CAST(COALESCE(b.successor, '') AS text),
    COALESCE(b.status, c.status), COALESCE(b.end_at, c.end_at), COALESCE(b.moves, c.moves),
    COALESCE(b.utm_source, c.utm_source), COALESCE(b.utm_medium, c.utm_medium),
    COALESCE(b.utm_campaign, c.utm_campaign), COALESCE(b.event_type, c.event_type), COALESCE(b.host, c.host),
    c.first_source, c.first_medium, c.first_campaign, c.steps + 1,
    CASE WHEN c.steps < 49 AND b.successor <> '' THEN 0 ELSE 1 END
  FROM moved c LEFT JOIN {bookings} b ON b.connection_id = c.connection_id AND b.uri = c.successor
  WHERE c.is_last = 0
), tallied AS (
  SELECT b.{column} AS about, {outcomes}, 0 AS moves FROM {bookings} b{index}
  WHERE b.connection_id IN ({connections}) AND b.booked_at >= %s AND b.booked_at < %s AND {unmoved}
  GROUP BY b.{column}
  UNION ALL
  SELECT {moved_column} AS about, {outcomes}, SUM(CASE WHEN status = 'rescheduled' THEN moves + 1 ELSE moves END)
  FROM moved WHERE is_last = 1 GROUP BY {moved_column}
)"""
"""The tally of bookings that were never moved, and that of the last halves of chains with the source of their first.

A chain is followed for fifty moves: Calendly makes no rings, but whoever signs may send one."""

OUTCOMES = """COUNT(*) AS bookings,
    COUNT(*) FILTER (WHERE status = 'booked' AND end_at > %s) AS upcoming,
    COUNT(*) FILTER (WHERE status = 'rescheduled' OR (status = 'booked' AND end_at <= %s)) AS unsettled,
    COUNT(*) FILTER (WHERE status = 'attended') AS attended,
    COUNT(*) FILTER (WHERE status = 'no_show') AS no_shows,
    COUNT(*) FILTER (WHERE status = 'canceled') AS canceled"""

COLUMNS = {
    "source": "utm_source",
    "medium": "utm_medium",
    "campaign": "utm_campaign",
    "event_type": "event_type",
    "host": "host",
    "person": "person_id",
}
MOVED_COLUMNS = COLUMNS | {
    name: f"CASE WHEN utm_source || utm_medium || utm_campaign <> '' THEN utm_{name} ELSE first_{name} END"
    for name in ("source", "medium", "campaign")
}

SUMS = """SUM(bookings) AS bookings, SUM(upcoming) AS upcoming, SUM(unsettled) AS unsettled,
  SUM(attended) AS attended, SUM(no_shows) AS no_shows, SUM(canceled) AS canceled, SUM(moves) AS moves"""
GROUPED = "SELECT about AS name, {sums} FROM tallied GROUP BY about"
TOUCHED = """
SELECT name, {sums} FROM (
  SELECT people.*, COALESCE((
    SELECT t.{column} FROM {bookings} t
    WHERE t.person_id = people.about
      AND (NOT (t.utm_source = '') OR NOT (t.utm_medium = '') OR NOT (t.utm_campaign = ''))
    ORDER BY t.booked_at {order}, t.id {order} LIMIT 1), '') AS name
  FROM (SELECT about, {sums} FROM tallied GROUP BY about) people) touched
GROUP BY name"""
"""Of tallied people: each one's bookings count for their first or newest booking that came from somewhere."""

GROUPS = """{counted}, grouped AS ({grouped}),
ranked AS (SELECT grouped.*, ROW_NUMBER() OVER (ORDER BY bookings DESC, name) AS place FROM grouped)
SELECT SUM(bookings), SUM(upcoming), SUM(unsettled), SUM(attended), SUM(no_shows), SUM(canceled), SUM(moves),
  COUNT(*), MIN(name), {line} AS line
FROM ranked GROUP BY {line} ORDER BY {line}"""
"""A line for each group with most bookings, and one, the last, for all the others: one walk through the ledger."""

LINE = "CASE WHEN place <= {top} THEN place ELSE {top} + 1 END"

MOMENT = {"sqlite": "%s", "postgresql": "%s::timestamptz"}
BARS = """
WITH day (number, start_at, end_at) AS (VALUES {lines})
SELECT day.number, (
  SELECT COUNT(*) FROM {bookings} b
  WHERE b.connection_id IN ({connections}) AND b.booked_at >= day.start_at AND b.booked_at < day.end_at AND {unmoved}
) + (
  SELECT COUNT(*) FROM {bookings} b
  WHERE b.connection_id IN ({connections}) AND b.booked_at >= day.start_at AND b.booked_at < day.end_at AND {moved}
    AND {is_first})
FROM day
"""

NEWEST = """SELECT booked_at FROM (
  SELECT booked_at FROM {bookings} b WHERE b.connection_id = %s AND b.booked_at >= %s AND b.booked_at < %s
  ORDER BY b.booked_at DESC LIMIT {most} + 1) of_one"""
NEXT_NEWEST = "SELECT booked_at FROM ({newest}) newest ORDER BY booked_at DESC LIMIT 1 OFFSET {most}"
"""When the newest booking was made that is one too many. Reads an index, no further than that for each connection."""

INDEXES = {name: "booking_by_type" if name in ("event_type", "host") else "booking_by_source" for name in COLUMNS}
INDEX = {"sqlite": " INDEXED BY {}", "postgresql": ""}
"""SQLite doesn't choose among indexes by the columns that they hold; PostgreSQL does."""
