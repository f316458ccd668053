// An MCP server over streamable HTTP, made with the official TypeScript SDK 2.x: stateless, it serves revision
// 2026-07-28 and the handshake revisions. GET /_calls shows the tool calls that were really executed.
import { McpServer, createMcpHandler, toNodeHandler, z } from '../../node/mcp_sdk_v2.mjs';
import { behaviour, declarations, serve } from './double.mjs';

function makeServer() {
  const server = new McpServer({ name: 'weather-typescript-v2', version: '1.0.0' });
  for (const [name, declaration] of declarations(z)) {
    server.registerTool(name, declaration, (args, context) =>
      behaviour[name](args, {
        headers: Object.fromEntries(context.http?.req?.headers ?? []),
        signal: context.mcpReq?.signal,
      }));
  }
  return server;
}

serve(toNodeHandler(createMcpHandler(makeServer, { onerror: (error) => console.error(error) })));
