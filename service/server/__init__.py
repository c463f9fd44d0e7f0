"""The HTTP server: connection limits and shutdown on top of uvicorn.

Uvicorn's options are used where possible: the time between two requests, the trusted proxies, and
the omitted loggers and headers. The rest extends its classes, which is not a documented use, so
``pyproject.toml`` pins uvicorn's minor version. This package relies on

- ``HttpToolsProtocol``: the callbacks of asyncio and httptools, ``loop``, ``shutdown``,
  ``_start_asgi_task``, ``on_response_complete``, ``_unset_keepalive_if_required``,
  ``timeout_keep_alive_task``, ``transport``, ``flow``, ``parser``, ``url``, ``headers``,
  ``scope``, ``expect_100_continue``, ``client``, ``cycle``, ``pipeline``, ``connections`` and
  ``server_state``
- ``RequestResponseCycle``: ``send``, ``scope``, ``transport``, ``keep_alive``, ``more_body``,
  ``disconnected``, ``message_event``, ``response_started``, ``response_complete``,
  ``chunked_encoding`` and ``expected_content_length``
- ``Server``: ``startup``, ``on_tick``, ``shutdown``, ``started``, ``force_exit``, ``servers``,
  ``lifespan``, ``config``, ``server_state``, and ``Config.http_protocol_class``
- ``_TrustedHosts``: the test for trusted proxies
- ``STATUS_LINE``: the first lines of responses
"""
