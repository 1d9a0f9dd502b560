/** Counts requests: a binding of the platform's type `ratelimit`. */
export interface RateLimiter {
  limit(request: { readonly key: string }): Promise<{ readonly success: boolean }>;
}

/** What the limiter was told in the configuration, which it does not tell itself. */
export interface RatePolicy {
  /** Requests that are let through … */
  readonly requests: number;
  /** … in so many seconds. */
  readonly seconds: 10 | 60;
}

/** How requests are counted, if they are. */
export interface RateLimit {
  readonly limiter: RateLimiter | undefined;
  readonly policy: RatePolicy | undefined;
}
