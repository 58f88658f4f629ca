-- The request that every server under test gets: a small JSON body with the key.
wrk.method = "POST"
wrk.body = '{"prompt":"a red circle on white","seed":7}'
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Key test:secret"
