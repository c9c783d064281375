package scalar_tx.peer;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.scalar.db.api.Operation;
import com.scalar.db.exception.storage.ExecutionException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** What passes between the library and the storage of one session, and what is to go wrong there. */
final class Watch {
  static final int HALTED = 86;
  private static final int REMEMBERED_CALLS = 10_000;
  private static final long LONGEST_PAUSE_SECONDS = 600;
  private static final Map<String, Watch> BY_SESSION = new ConcurrentHashMap<>();

  private final String coordinator;
  private final List<FaultRule> rules = new ArrayList<>();
  private final Deque<StorageCall> calls = new ArrayDeque<>();
  private final Map<Integer, Paused> paused = new LinkedHashMap<>();
  private boolean recording;
  private int lastNumber;

  private record Paused(FaultRule rule, StorageCall call, CountDownLatch released) {}

  interface Body<T> {
    T run() throws ExecutionException;
  }

  Watch(String session, String coordinator) {
    this.coordinator = coordinator;
    BY_SESSION.put(session, this);
  }

  static Watch of(String session) {
    Watch watch = BY_SESSION.get(session);
    if (watch == null) {
      throw new IllegalStateException("no watched session called " + session);
    }
    return watch;
  }

  static void forget(String session) {
    BY_SESSION.remove(session);
  }

  <T> T around(String name, List<? extends Operation> operations, Body<T> body)
      throws ExecutionException {
    StorageCall call = new StorageCall(name, operations, coordinator);
    List<FaultRule> striking = seen(call);
    strike(striking, call, true);
    T result;
    try {
      result = body.run();
    } catch (ExecutionException | RuntimeException problem) {
      call.outcome = problem.getClass().getSimpleName();
      throw problem;
    }
    call.outcome = "ok";
    strike(striking, call, false);
    return result;
  }

  private synchronized List<FaultRule> seen(StorageCall call) {
    if (recording) {
      calls.add(call);
      if (calls.size() > REMEMBERED_CALLS) {
        calls.remove();
      }
    }
    return rules.stream().filter(rule -> rule.strikes(call)).toList();
  }

  private void strike(List<FaultRule> striking, StorageCall call, boolean before)
      throws ExecutionException {
    for (FaultRule rule : striking) {
      if (rule.before == before) {
        switch (rule.action) {
          case HALT -> Runtime.getRuntime().halt(HALTED);
          case PAUSE -> pause(rule, call);
          case FAIL -> {
            call.outcome = before ? "not sent" : "answer lost";
            rule.fail(call);
          }
        }
      }
    }
  }

  private void pause(FaultRule rule, StorageCall call) {
    Paused pause = new Paused(rule, call, new CountDownLatch(1));
    int number;
    synchronized (this) {
      number = ++lastNumber;
      paused.put(number, pause);
      notifyAll();
    }
    try {
      if (!pause.released.await(LONGEST_PAUSE_SECONDS, TimeUnit.SECONDS)) {
        throw new IllegalStateException("paused for ten minutes, and nobody released the call");
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while paused", interrupted);
    } finally {
      synchronized (this) {
        paused.remove(number);
      }
    }
  }

  synchronized int add(JsonObject wanted) {
    FaultRule rule = new FaultRule(++lastNumber, wanted);
    rules.add(rule);
    return rule.number;
  }

  /** How many calls a rule has matched so far. */
  synchronized int matched(int number) {
    return rules.stream()
        .filter(rule -> rule.number == number)
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no rule " + number))
        .matched();
  }

  /** Drop all rules and let every paused call go on. */
  synchronized void clear() {
    rules.clear();
    release();
  }

  synchronized int release() {
    paused.values().forEach(pause -> pause.released.countDown());
    return paused.size();
  }

  synchronized int release(int number) {
    paused.values().stream()
        .filter(pause -> pause.rule.number == number)
        .forEach(pause -> pause.released.countDown());
    return paused.size();
  }

  /** The paused calls, as soon as there is one of the rule; an empty list after the time. */
  synchronized JsonArray awaitPaused(int number, long millis) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    while (true) {
      JsonArray found = new JsonArray();
      paused.values().stream()
          .filter(pause -> pause.rule.number == number)
          .forEach(pause -> found.add(pause.call.describe()));
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (!found.isEmpty() || left <= 0) {
        return found;
      }
      wait(left);
    }
  }

  synchronized void record() {
    calls.clear();
    recording = true;
  }

  synchronized JsonArray recorded() {
    JsonArray seen = new JsonArray();
    calls.forEach(call -> seen.add(call.describe()));
    return seen;
  }

  synchronized void stopRecording() {
    recording = false;
  }
}
