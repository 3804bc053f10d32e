import asyncio
import numpy as np
from tests.integration.router.conftest import World

def work(url, token):
    import gevent
    import tritonclient.http as triton
    client = triton.InferenceServerClient(url.removeprefix("http://"))
    headers = {"Authorization": f"Bearer {token}"}
    print(client.is_server_live(), client.is_server_ready(), client.is_model_ready("shop", headers=headers))
    print(client.get_server_metadata(headers=headers))
    print(client.get_model_metadata("shop", headers=headers))
    print(client.get_model_repository_index(headers=headers))
    x = triton.InferInput("score", [2, 1], "FP32")
    x.set_data_from_numpy(np.array([[5.0], [0.5]], np.float32))
    r = client.infer("shop", [x], headers=headers, request_id="abc")
    print(r.get_response())
    print(r.as_numpy("label"), r.as_numpy("probabilities"), r.as_numpy("surehand_decision"))
    try:
        client.infer("nope", [x], headers=headers)
    except Exception as e:
        print(repr(e), e.status(), e.message())
    try:
        client.infer("shop", [x], headers={})
    except Exception as e:
        print(repr(e), e.status(), e.message())
    try:
        client.get_inference_statistics("shop", headers=headers)
    except Exception as e:
        print(repr(e), e.status(), e.message())
    client.close()
    gevent.get_hub().destroy()

async def test_it(world: World) -> None:
    await asyncio.to_thread(work, str(world.caller.base_url).rstrip("/"), world.keys.issue("caller", "t"))
