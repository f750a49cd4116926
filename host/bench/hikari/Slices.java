import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.BufferedReader;
import java.io.FileReader;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;

/**
 * Measures HikariCP over connections in memory. An order is a line "connections threads
 * milliseconds hold-milliseconds nothing|waits|moments" in the file named on the command line; the
 * answer is a line of JSON. What a slice is: host/bench/measure.hpp, which this mirrors.
 */
public final class Slices {
  private static final Map<Integer, HikariDataSource> pools = new HashMap<>();
  private static volatile boolean stop;

  private static final class Tally {
    long began;
    long ended;
    long operations;
    final Waits waits = new Waits();
    final long[] moments; // asked, got, asked, got, ...
    int recorded = 0;
    Exception failure;

    Tally(Record record) {
      moments = new long[record == Record.moments ? 1 << 17 : 0];
    }
  }

  private enum Record {
    nothing,
    waits,
    moments
  }

  public static void main(String[] arguments) throws Exception {
    try (BufferedReader orders = new BufferedReader(new FileReader(arguments[0]))) {
      System.out.println("ready");
      for (String order = orders.readLine(); order != null; order = orders.readLine()) {
        String[] words = order.split(" ");
        System.out.println(
            run(
                poolOf(Integer.parseInt(words[0])),
                Integer.parseInt(words[1]),
                Long.parseLong(words[2]),
                Long.parseLong(words[3]),
                Record.valueOf(words[4])));
      }
    }
    System.exit(0);
  }

  private static HikariDataSource poolOf(int connections) throws InterruptedException {
    HikariDataSource pool = pools.get(connections);
    if (pool == null) {
      HikariConfig config = new HikariConfig();
      config.setDataSource(new MemoryDataSource());
      config.setMaximumPoolSize(connections);
      config.setMinimumIdle(connections);
      config.setConnectionTimeout(60_000);
      pool = new HikariDataSource(config);
      pools.put(connections, pool);
    }
    while (pool.getHikariPoolMXBean().getTotalConnections() < connections) {
      Thread.sleep(1);
    }
    return pool;
  }

  private static String run(
      HikariDataSource pool, int threads, long milliseconds, long hold, Record record)
      throws Exception {
    stop = false;
    CyclicBarrier together = new CyclicBarrier(threads + 1);
    List<Tally> tallies = new ArrayList<>();
    List<Thread> running = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      Tally tally = new Tally(record);
      tallies.add(tally);
      Thread thread =
          new Thread(
              () -> {
                try {
                  together.await();
                  tally.began = System.nanoTime();
                  switch (record) {
                    case nothing -> repeat(pool, tally);
                    case waits -> repeatTimed(pool, tally);
                    case moments -> repeatHeld(pool, tally, hold);
                  }
                  tally.ended = System.nanoTime();
                } catch (Exception e) {
                  tally.failure = e;
                }
              });
      thread.start();
      running.add(thread);
    }
    together.await();
    Thread.sleep(milliseconds);
    stop = true;
    for (Thread thread : running) {
      thread.join();
    }
    return toJson(tallies);
  }

  private static void repeat(HikariDataSource pool, Tally tally) throws Exception {
    long operations = 0;
    for (; !stop; operations++) {
      pool.getConnection().close();
    }
    tally.operations = operations;
  }

  private static void repeatTimed(HikariDataSource pool, Tally tally) throws Exception {
    long operations = 0;
    for (; !stop; operations++) {
      long asked = System.nanoTime();
      Connection connection = pool.getConnection();
      tally.waits.record(System.nanoTime() - asked);
      connection.close();
    }
    tally.operations = operations;
  }

  private static void repeatHeld(HikariDataSource pool, Tally tally, long hold) throws Exception {
    long operations = 0;
    for (; !stop; operations++) {
      long asked = System.nanoTime();
      Connection connection = pool.getConnection();
      tally.moments[tally.recorded++] = asked;
      tally.moments[tally.recorded++] = System.nanoTime();
      Thread.sleep(hold);
      connection.close();
    }
    tally.operations = operations;
  }

  private static String toJson(List<Tally> tallies) throws Exception {
    long began = Long.MAX_VALUE;
    long ended = Long.MIN_VALUE;
    Waits waits = new Waits();
    StringBuilder operations = new StringBuilder();
    StringBuilder moments = new StringBuilder();
    for (Tally tally : tallies) {
      if (tally.failure != null) {
        throw tally.failure;
      }
      began = Math.min(began, tally.began);
      ended = Math.max(ended, tally.ended);
      waits.merge(tally.waits);
      operations.append(operations.length() > 0 ? "," : "").append(tally.operations);
      for (int i = 0; i < tally.recorded; i += 2) {
        moments.append(moments.length() > 0 ? ",[" : "[").append(tally.moments[i]).append(',');
        moments.append(tally.moments[i + 1]).append(']');
      }
    }
    return String.format(
        "{\"took\":%d,\"operations\":[%s],\"waits\":%s,\"moments\":[%s]}",
        ended - began, operations, waits.toJson(), moments);
  }
}
