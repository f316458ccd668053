// OpenAI's agents for Node, for modules outside this folder (packages resolve from here only).
export * from '@openai/agents';
