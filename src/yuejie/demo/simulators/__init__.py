"""Simulators: providers one can call without a key, which know exactly what they served.

One process speaks OpenAI (and the DeepSeek, Moonshot, Qwen and GLM variants of it), Anthropic and
Gemini on their real paths; any path prefix (`/openai`, `/compatible-mode`, …) is ignored.

    python -m yuejie.demo.simulators --port 8410 --truth truth.jsonl
    python -m yuejie.demo.simulators report truth.jsonl --format jsonl

Owns: answers in the providers' formats, faults on demand, the truth log, the usage report.
Does not own: prices, or anything the gateway believes about a call.
Invariants:
- a served call has its truth line on file before the last byte of its answer leaves;
- truth counts what the provider bills, in disjoint meters, whether or not it was reported;
- the same request with the same seed is answered with the same words and the same counts
  (but for prompt caching: a prefix of 1,024 tokens is cached from its second use on).

Counting: a token is four bytes of UTF-8 text (rounded up); 85 more for each part that is no text.
Answers are written to measure: n tokens of text are 4n bytes.

A request may direct its answer by a marker anywhere in its text, which any gateway passes on:

    [[sim in=374 out=44 cached=100 reasoning=5]]

Counts. `in` is the whole prompt, `out` the whole answer; the others are parts of those:
    in out · cached write5m write30m write1h write12h audio_in image_in video_in ·
    reasoning audio_out image_out · tool_in (Gemini, beside the prompt) · seconds ·
    searches (Anthropic, Responses)
    A marker with `in` fixes the parts it does not name at 0, and so does `out`.
    The request's own max tokens still bounds `out`, as it would with a real provider.
Answer:
    model=NAME  the model that answers and bills     tier=NAME  the service tier that answers
    finish=length|content_filter|refusal             events=N   text events of a stream
Pace:
    delay_ms=N before the first byte     pace_ms=N between events     burst=N events per write
Faults:
    http=STATUS | fault=STATUS|quota|NAME       an error answer; nothing is billed
    retry_after=SECONDS                         goes with it
    cut_after=N                                 the connection breaks after N events (0: before any)
    cut_before_usage=1                          it breaks before the usage is sent
    error_midstream=N                           an error event after N events
    no_usage=1  negative=1  absurd=1            200 with no, negative or absurd usage
    garbage=1                                   200 with broken JSON
    times=K id=NAME                             the first K calls fail so, later ones succeed

`fault=` also takes the name of any flag: fault=cut_before_usage, fault=garbage, …
The last marker of a request counts.
`POST /_sim/faults` sets such faults by model and percent for requests that name none.

Who pays: an error status is free. A cut is the network's fault: everything is billed.
A caller who leaves is billed for the full answer, an error in mid-stream for what was delivered
(Gemini: nothing); both are settings (`--gone`, `--failed`).
"""
