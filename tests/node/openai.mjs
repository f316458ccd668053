// The official OpenAI client, for modules outside this folder (packages resolve from here only).
export * from 'openai';
export { default } from 'openai';
