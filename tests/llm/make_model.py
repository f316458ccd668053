"""Makes a model for llama.cpp that is tiny and knows nothing: random weights, always the same ones.

Usage: make_model.py FILE
What it says are words of its vocabulary; any text can be asked of it, as bytes. Tokens that are no words have weights of
zero in the last layer, so that, next to the likeliest words, they are never said: what it says is text, and goes on until a limit.
"""

import sys

import gguf
import numpy

SEED = 7
LAYERS = 2
WIDTH = 64
HEADS = 4
HIDDEN = 128
CONTEXT = 32768
RMS_EPSILON = 1e-5
OUTPUT_SCALE = 4.0  # of the words' weights in the last layer: how sure it is of the next word
SYLLABLES = ("ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "wu", "ya")
TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def vocabulary() -> list[tuple[str, gguf.TokenType]]:
    special = [("<unk>", gguf.TokenType.UNKNOWN), ("<s>", gguf.TokenType.CONTROL), ("</s>", gguf.TokenType.CONTROL)]
    single = [(f"<0x{byte:02X}>", gguf.TokenType.BYTE) for byte in range(256)]
    # SentencePiece writes the space before a word as U+2581.
    words = [(f"\u2581{one}{other}", gguf.TokenType.NORMAL) for one in SYLLABLES for other in SYLLABLES]
    return special + single + words


def add_vocabulary(writer: gguf.GGUFWriter, tokens: list[tuple[str, gguf.TokenType]]) -> None:
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text for text, _ in tokens])
    writer.add_token_scores([-float(number) for number in range(len(tokens))])
    writer.add_token_types([int(kind) for _, kind in tokens])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(TEMPLATE)


def add_weights(writer: gguf.GGUFWriter, tokens: list[tuple[str, gguf.TokenType]]) -> None:
    random = numpy.random.default_rng(SEED)

    def add(name: str, *shape: int, scale: float = 1.0) -> None:
        weights = random.standard_normal(shape) * scale / numpy.sqrt(shape[-1])
        writer.add_tensor(f"{name}.weight", weights.astype(numpy.float32))

    def add_ones(name: str) -> None:
        writer.add_tensor(f"{name}.weight", numpy.ones(WIDTH, dtype=numpy.float32))

    add("token_embd", len(tokens), WIDTH, scale=8.0)
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        add_ones(f"{block}.attn_norm")
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"{block}.{part}", WIDTH, WIDTH)
        add_ones(f"{block}.ffn_norm")
        add(f"{block}.ffn_gate", HIDDEN, WIDTH)
        add(f"{block}.ffn_up", HIDDEN, WIDTH)
        add(f"{block}.ffn_down", WIDTH, HIDDEN)
    add_ones("output_norm")
    last = random.standard_normal((len(tokens), WIDTH)) * OUTPUT_SCALE / numpy.sqrt(WIDTH)
    last[[kind != gguf.TokenType.NORMAL for _, kind in tokens]] = 0
    writer.add_tensor("output.weight", last.astype(numpy.float32))


def main() -> None:
    tokens = vocabulary()
    writer = gguf.GGUFWriter(sys.argv[1], "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(RMS_EPSILON)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    add_vocabulary(writer, tokens)
    add_weights(writer, tokens)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
