"""The statements of the attribution report, for SQLite and PostgreSQL. Values are parameters; names are our own."""

IS_FIRST = """(b.old_invitee = '' OR NOT EXISTS (
    SELECT 1 FROM {bookings} o WHERE o.connection_id = b.connection_id AND o.uri = b.old_invitee))"""
"""Whether a booking begins a chain: it was moved from nothing, or from something that we never saw."""

COUNTED = """
WITH RECURSIVE moved (
  connection_id, person_id, successor, status, end_at, moves, utm_source, utm_medium, utm_campaign, event_type, host,
  first_source, first_medium, first_campaign, steps, is_last
) AS (
  SELECT b.connection_id, b.person_id, b.successor, b.status, b.end_at, b.moves, b.utm_source, b.utm_medium,
    b.utm_campaign, b.event_type, b.host, b.utm_source, b.utm_medium, b.utm_campaign, 0,
    CASE WHEN EXISTS (
      SELECT 1 FROM {bookings} n WHERE n.connection_id = b.connection_id AND n.uri = b.successor) THEN 0 ELSE 1 END
  FROM {bookings} b
  WHERE b.connection_id IN ({connections}) AND b.booked_at >= %s AND b.booked_at < %s
    AND (b.status = 'rescheduled' OR b.old_invitee <> '') AND {is_first}
  UNION ALL
  SELECT b.connection_id, b.person_id, b.successor, b.status, b.end_at, b.moves, b.utm_source, b.utm_medium,
    b.utm_campaign, b.event_type, b.host, c.first_source, c.first_medium, c.first_campaign, c.steps + 1,
    CASE WHEN c.steps < 49 AND EXISTS (
      SELECT 1 FROM {bookings} n WHERE n.connection_id = b.connection_id AND n.uri = b.successor) THEN 0 ELSE 1 END
  FROM moved c JOIN {bookings} b ON b.connection_id = c.connection_id AND b.uri = c.successor
  WHERE c.is_last = 0
), counted AS (
  SELECT b.person_id, b.status, b.end_at, b.moves, b.utm_source, b.utm_medium, b.utm_campaign, b.event_type, b.host
  FROM {bookings} b
  WHERE b.connection_id IN ({connections}) AND b.booked_at >= %s AND b.booked_at < %s
    AND b.status <> 'rescheduled' AND b.old_invitee = ''
  UNION ALL
  SELECT person_id, status, end_at, CASE WHEN status = 'rescheduled' THEN moves + 1 ELSE moves END,
    CASE WHEN utm_source || utm_medium || utm_campaign <> '' THEN utm_source ELSE first_source END,
    CASE WHEN utm_source || utm_medium || utm_campaign <> '' THEN utm_medium ELSE first_medium END,
    CASE WHEN utm_source || utm_medium || utm_campaign <> '' THEN utm_campaign ELSE first_campaign END,
    event_type, host
  FROM moved WHERE is_last = 1
){touch}, named AS (SELECT {grouped} AS name, status, end_at, moves FROM counted c {joined})
"""
"""One row per booking: those never moved, and the last half of each chain with the source of its first.

A chain is followed for fifty moves: Calendly makes no rings, but whoever signs may send one."""

TOUCH = """, touch AS (
  SELECT p.person_id, (
    SELECT t.id FROM {bookings} t
    WHERE t.person_id = p.person_id AND (t.utm_source <> '' OR t.utm_medium <> '' OR t.utm_campaign <> '')
    ORDER BY t.booked_at {order}, t.id {order} LIMIT 1) AS booking_id
  FROM (SELECT DISTINCT person_id FROM counted) p
), touched AS (
  SELECT touch.person_id, t.utm_source, t.utm_medium, t.utm_campaign
  FROM touch JOIN {bookings} t ON t.id = touch.booking_id
)"""
"""Each person's first or newest booking that came from somewhere."""

JOINED = "LEFT JOIN touched t ON t.person_id = c.person_id"
GROUPED_BY = {
    "source": "c.utm_source",
    "medium": "c.utm_medium",
    "campaign": "c.utm_campaign",
    "event_type": "c.event_type",
    "host": "c.host",
}
TOUCHED_BY = {name: f"COALESCE(t.utm_{name}, '')" for name in ("source", "medium", "campaign")}

GROUPS = """{counted}, grouped AS (
  SELECT name, COUNT(*) AS bookings,
    SUM(CASE WHEN status = 'booked' AND end_at > %s THEN 1 ELSE 0 END) AS upcoming,
    SUM(CASE WHEN status = 'rescheduled' OR (status = 'booked' AND end_at <= %s) THEN 1 ELSE 0 END) AS unsettled,
    SUM(CASE WHEN status = 'attended' THEN 1 ELSE 0 END) AS attended,
    SUM(CASE WHEN status = 'no_show' THEN 1 ELSE 0 END) AS no_shows,
    SUM(CASE WHEN status = 'canceled' THEN 1 ELSE 0 END) AS canceled,
    SUM(moves) AS moves
  FROM named GROUP BY name
), ranked AS (SELECT grouped.*, ROW_NUMBER() OVER (ORDER BY bookings DESC, name) AS place FROM grouped)
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
  WHERE b.connection_id IN ({connections}) AND b.booked_at >= day.start_at AND b.booked_at < day.end_at AND {is_first})
FROM day
"""
