"""Follows a channel or a stream of a line over HTTP: python3 follow.py ADDRESS INPUT OFFSET_FILE [TOKEN]"""
import http.client, json, os, sys, time, urllib.error, urllib.parse, urllib.request

address, given, offset_file, *token = sys.argv[1:]
headers = {"Authorization": f"Bearer {token[0]}"} if token else {}
# The file has the offset after the last message that was printed: the next start goes on from there.
offset = open(offset_file).read() if os.path.exists(offset_file) else "-1"
cursor = "0"
while True:
    query = urllib.parse.urlencode({"input": given, "offset": offset, "live": "long-poll", "cursor": cursor})
    try:
        request = urllib.request.Request(f"{address}?{query}", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            answer, body = response.headers, response.read()
            messages = json.loads(body) if response.status == 200 else []  # 204: nothing came
    except urllib.error.HTTPError as error:
        answer, messages = error.headers, []
        if error.code in (400, 401, 403, 404, 405, 501):
            sys.exit(f"{error.code} {error.read().decode()}")
        if not answer.get("Stream-Next-Offset"):  # 429 or 503, or not of the line: it may be better later
            time.sleep(float(answer.get("Retry-After") or 0.5))
            continue
        print(json.dumps({"left out": answer.get("Stream-Gap", "fault")}), flush=True)
    except (OSError, http.client.HTTPException, ValueError):  # cut, or not of the line: ask again
        time.sleep(0.2)
        continue
    if not answer.get("Stream-Next-Offset"):
        continue
    for message in messages:
        print(json.dumps(message), flush=True)
    offset, cursor = answer["Stream-Next-Offset"], answer.get("Stream-Cursor", cursor)
    with open(f"{offset_file}.new", "w") as file:
        file.write(offset)
    os.replace(f"{offset_file}.new", offset_file)
    if answer.get("Stream-Closed"):
        sys.exit(print(json.dumps({"outcome": answer["Stream-Outcome"]})))
