"""ChatOpenAI of langchain-openai, with tools bound; streams are put together by adding the chunks."""

from langchain_openai import ChatOpenAI

from jobs import BASE_URL, KEY, MAX_RETRIES, PROMPT, TIMEOUT_S, tool, work

client = ChatOpenAI(
    model="of the job",
    base_url=BASE_URL,
    api_key=KEY,
    max_retries=MAX_RETRIES,
    timeout=TIMEOUT_S,
    use_responses_api=False,
    stream_usage=True,
)


def see(message, seen: dict) -> None:
    # What is no JSON stands apart, as the text that it is.
    calls = [*message.tool_calls, *message.invalid_tool_calls]
    seen["choices"] = [
        {
            "text": message.text,
            "reasoning": message.additional_kwargs.get("reasoning_content", ""),
            "tool_calls": [{"id": call["id"], "name": call["name"], "arguments": call["args"]} for call in calls],
            "finish_reason": message.response_metadata.get("finish_reason"),
        }
    ]
    if usage := message.usage_metadata:
        seen["usage"] = {"prompt": usage["input_tokens"], "completion": usage["output_tokens"]}


def ask(job: dict, seen: dict) -> None:
    model = client.model_copy(update={"model_name": job["model"]})
    model = model.bind_tools([tool(name) for name in job["tools"]])
    if not job["stream"]:
        see(model.invoke(PROMPT), seen)
        return
    whole = None
    for chunk in model.stream(PROMPT):
        whole = chunk if whole is None else whole + chunk
        see(whole, seen)


work(ask)
