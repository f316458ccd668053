// The AI SDK and its provider for OpenAI-compatible servers, for modules outside this folder (packages resolve from
// here only).
export * from 'ai';
export { createOpenAICompatible } from '@ai-sdk/openai-compatible';
