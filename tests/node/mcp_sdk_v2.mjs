// The official TypeScript MCP SDK 2.x, for modules outside this folder (packages resolve from here only).
export { McpServer, createMcpHandler } from '@modelcontextprotocol/server';
export { toNodeHandler } from '@modelcontextprotocol/node';
export { z } from 'zod';
