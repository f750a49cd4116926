// An editor in a browser, as the page meets it: forwards a port of the lab, makes Host and
// Origin those of the port, and lets the first piece of a stream of events through and
// holds the rest back.
import { createServer, request } from 'node:http';

export class ForwardingProxy {
  static async before(labPort) {
    const proxy = new ForwardingProxy();
    proxy.streams = 0;
    proxy.server = createServer((asked, answer) => proxy.forward(labPort, asked, answer));
    await new Promise(listens => proxy.server.listen(0, '127.0.0.1', listens));
    proxy.url = `http://127.0.0.1:${proxy.server.address().port}/`;
    return proxy;
  }

  forward(port, asked, answer) {
    const headers = { ...asked.headers, host: `localhost:${port}`,
      'x-forwarded-host': asked.headers.host, 'x-forwarded-proto': 'https' };
    if (headers.origin) headers.origin = `http://localhost:${port}`;
    const onwards = request({ host: '127.0.0.1', port, method: asked.method, path: asked.url, headers }, got => {
      answer.writeHead(got.statusCode, got.headers);
      if (!got.headers['content-type']?.startsWith('text/event-stream')) return got.pipe(answer);
      this.streams += 1;
      got.once('data', piece => { answer.write(piece); got.resume(); });
    });
    onwards.on('error', () => answer.destroy());
    answer.on('close', () => onwards.destroy());
    asked.pipe(onwards);
  }

  end() {
    this.server.closeAllConnections();
    this.server.close();
  }
}
