"""The figures that a release must meet, and those that we want. docs/performance.md explains them.

`guard` is the bound of a short run on a machine that does other things: wide enough not to fail by chance, narrow
enough to catch a change that makes the hot path a third more expensive. Figures without one are not judged there.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    key: str
    what: str
    unit: str
    ship: float
    aim: float
    guard: float | None = None

    def bound(self, column: str) -> float | None:
        return {"ship": self.ship, "aim": self.aim, "guard": self.guard}[column]


BUDGETS = (
    Budget("edge.cpu_ratio.1k", "edge CPU per request ÷ plain proxy_pass, 1 KB body", "×", 1.25, 1.10, 1.6),
    Budget("edge.cpu_ratio.16k", "edge CPU per request ÷ plain proxy_pass, 16 KB body", "×", 1.5, 1.25, 1.8),
    Budget("edge.cpu_ratio.400k", "edge CPU per request ÷ plain proxy_pass, 400 KB body", "×", 2.0, 1.4, 3.2),
    Budget("flood.p99_ratio", "p99 of good requests beside 20,000 wrong keys a second ÷ without them", "×", 3.0, 2.0),
    Budget("flood.cpu_ratio_401", "CPU per 401 ÷ CPU per proxied request of the same edge", "×", 1.0, 0.6, 1.0),
    Budget("flood.cpu_ratio_429", "the same for a 429, once agent_auth_limit is used up", "×", 1.0, 0.6, 1.0),
    Budget("chat.request_cpu", "edge + executor CPU per 1 KB request, not streamed", "µs", 160, 90),
    Budget("chat.request_cpu_ratio", "the same ÷ plain proxy_pass in the same run", "×", 8.0, 4.5, 8.0),
    Budget("chat.agent_request_cpu", "the same through an agent", "µs", 160, 90),
    Budget("chat.agent_request_cpu_ratio", "the same through an agent ÷ plain proxy_pass", "×", 8.0, 4.5, 8.0),
    Budget("chat.added_p50", "added latency at one connection, p50", "ms", 0.5, 0.16),
    Budget("chat.added_p99", "added latency at one connection, p99", "ms", 1.5, 0.35),
    Budget("chat.event_cpu", "edge + executor CPU per relayed event, burst of 100", "µs", 25, 12),
    Budget("chat.event_cpu_ratio", "the same ÷ plain proxy_pass in the same run", "×", 8.0, 4.0, 8.0),
    Budget("chat.agent_event_cpu", "the same through an agent", "µs", 25, 12),
    Budget("chat.agent_event_cpu_ratio", "the same through an agent ÷ plain proxy_pass", "×", 8.0, 4.0, 8.0),
    Budget("chat.added_ttft_p99", "added time to first token, p99", "ms", 2.0, 0.25),
    Budget("idle.stream_memory", "memory per idle stream, edge + executor, plain text", "KiB", 48, 24),
    Budget("idle.edge_memory", "memory per idle stream, edge alone, plain text", "KiB", 24, 12),
    Budget("idle.large_prompt_memory", "edge + executor, for streams whose prompt was 300 KB", "KiB", 96, 48),
    Budget("idle.executor_rss", "executor's RSS, idle", "MiB", 40, 20),
    Budget("abort.p99", "client gone → upstream closed, p99", "ms", 50, 10),
    Budget("abort.edge_p99", "client gone → the executor sees it, edge alone, worst p99 of the phases", "ms", 5, 2),
    Budget("scan.chat_1k_us", "scan of a chat body, 1 KB", "µs", 0.7, 0.4, 1.0),
    Budget("scan.chat_16k_us", "scan of a chat body, 16 KB", "µs", 4.0, 2.7, 5.0),
    Budget("scan.chat_400k_us", "scan of a chat body, 400 KB", "µs", 100, 65, 130),
    Budget("scan.plain_ns_per_kb", "scan per KB, ASCII text without escapes (170 ns: 6 GB/s)", "ns", 170, 50, 170),
    Budget("scan.cjk_ns_per_kb", "scan per KB, Chinese text", "ns", 1000, 310, 1000),
    Budget("scan.cyrillic_ns_per_kb", "scan per KB, Cyrillic text", "ns", 1000, 270, 1000),
    Budget("scan.escapes_ns_per_kb", "scan per KB, code with an escape every 20 bytes", "ns", 1000, 100, 1000),
    Budget("scan.unicode_escapes_ns_per_kb", "scan per KB, text of \\uXXXX alone", "ns", 1000, 500, 1000),
    Budget("scan.empty_strings_ns_per_kb", "scan per KB, a list of empty strings", "ns", 2200, 1000, 2200),
    Budget("scan.deep_ns_per_kb", "scan per KB, lists 64 levels deep", "ns", 2200, 1400, 2200),
    Budget("scan.numbers_ns_per_kb", "scan per KB, a list of numbers", "ns", 2200, 1200, 2200),
    Budget("keys.bytes_per_key", "memory a key and half of the table, 1,000,000 keys", "B", 96, 90, 96),
    Budget("keys.lookup_1m", "lookup of a key, 1,000,000 keys", "ns", 250, 160),
    Budget("keys.decision", "limits of key, user and agent: a request admitted and closed", "µs", 3.0, 1.0),
    Budget("keys.load_1m", "load of a file of 1,000,000 keys, beside requests", "s", 1.0, 0.5),
    Budget("keys.p99_ratio", "p99 of other requests while 1,000,000 keys load ÷ p99 at rest", "×", 2.0, 1.3),
    Budget("keys.live_after", "file of 1,000 keys renamed → live for every worker, the slowest", "s", 1.0, 0.6),
    Budget("reload.load", "1,000 agents: load and check, every file changed", "ms", 100, 50),
    Budget("reload.swap", "until all threads have it, beside 200 requests a second, the slowest", "ms", 10, 3),
    Budget("reload.live", "file renamed → a request has it, 1,000 agents, the slowest", "ms", 500, 350),
    Budget("reload.start", "start of the process → ready, 1,000 agents", "ms", 200, 100),
    Budget("reload.cpu_ratio", "executor CPU per request with 1,000 agents ÷ with 3", "×", 1.05, 1.02, 1.15),
    Budget("reload.memory_ratio", "executor's RSS after 200 reloads of 1,000 agents ÷ after 10", "×", 1.2, 1.05, 1.2),
    Budget("upstreams.chunk_ns", "the JSON of a chunk of about 300 bytes, read and checked", "ns", 300, 250, 400),
    Budget("upstreams.event_cpu", "executor CPU per relayed event, burst of 100", "µs", 12, 8, 14),
    Budget("upstreams.agent_event_cpu", "the same through an agent", "µs", 12, 8, 14),
    Budget("upstreams.p99_ratio.dead", "p99 of others beside 20 requests a second to a dead upstream ÷ at rest", "×", 1.3, 1.1),
    Budget("upstreams.p99_ratio.mute", "the same beside one that accepts and says nothing", "×", 1.3, 1.1),
    Budget("upstreams.p99_ratio.nameless", "the same beside one whose name server does not answer", "×", 1.3, 1.1),
    Budget("memory.after_ratio", "RSS after 20 × 1,000 requests of 150 KB ÷ idle", "×", 2.0, 1.5),
    Budget("memory.descriptors", "descriptors left open after them", "", 0, 0),
)

BY_KEY = {budget.key: budget for budget in BUDGETS}
