import { sse } from "./sse";

/** What there is to hear; the next one is made before this one is told. */
let news = Promise.withResolvers<void>();

/** The floor: a Worker that holds streams, with nothing durable behind them. What is said reaches its own isolate alone. */
export default {
  async fetch(request) {
    if (request.method === "POST") {
      const told = news;
      news = Promise.withResolvers();
      told.resolve();
      return new Response(null, { status: 204 });
    }
    return sse(({ say }) => {
      const reader = { isOpen: true };
      const listen = async (): Promise<void> => {
        while (reader.isOpen) {
          await news.promise;
          if (reader.isOpen) say("said");
        }
      };
      say("stream.caught-up");
      void listen();
      return () => {
        reader.isOpen = false;
      };
    });
  },
} satisfies ExportedHandler;
